import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its private key, PEM texts; the key is PKCS #8. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test's own. */
export interface Authority {
  /** Its certificate, PEM. */
  readonly ca: string;
  /** A certificate for this common name, good for two days, for 127.0.0.1 and localhost. */
  issue(commonName: string): Identity;
  /** Removes its private key. */
  close(): void;
}

/** Makes an authority with the `openssl` command. Throws where there is none. */
export function makeAuthority(name = 'headwater test authority'): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-authority-'));
  const file = (suffix: string): string => join(dir, suffix);
  const text = (suffix: string): string => readFileSync(file(suffix), 'utf8');
  const newKey = (stem: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    file(`${stem}.key`),
  ];
  openssl('req', '-x509', ...newKey('ca'), '-out', file('ca.pem'), '-days', '2', '-subj', `/CN=${name}`);
  writeFileSync(file('extensions'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');

  return {
    ca: text('ca.pem'),
    issue(commonName) {
      openssl('req', ...newKey('leaf'), '-out', file('leaf.csr'), '-subj', `/CN=${commonName}`);
      const signing = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
      openssl(
        'x509',
        '-req',
        '-in',
        file('leaf.csr'),
        ...signing,
        '-extfile',
        file('extensions'),
        '-out',
        file('leaf.pem'),
      );
      return { cert: text('leaf.pem'), key: text('leaf.key') };
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function openssl(...args: string[]): void {
  try {
    execFileSync('openssl', args, { stdio: 'pipe', timeout: 60_000 });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new Error('certificates for tests are made with the openssl command: install openssl', { cause });
    }
    throw cause;
  }
}
