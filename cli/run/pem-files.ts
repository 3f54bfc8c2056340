import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import type { KafkaTopicsConfig } from '../../schemas/recipe.js';
import type { KafkaTls } from '../../streams/kafka/kafka-settings.js';
import { settingFile } from './secret-value.js';

type Ssl = Exclude<KafkaTopicsConfig['ssl'], boolean>;

/**
 * The certificates and the key that a recipe names, as PEM. Throws `recipe-invalid`, naming path and file, where one is missing,
 * no PEM, encrypted, or where the key is not that of the certificate.
 */
export async function pemFiles(ssl: Ssl, path: string, base: string): Promise<KafkaTls> {
  const read = async (name: keyof Ssl) => {
    const file = ssl[name];
    if (file === undefined) return undefined;
    const whole = resolve(base, file);
    return { place: `${path}.${name}: ${whole}`, text: await settingFile(whole, `${path}.${name}`) };
  };
  const [ca, cert, key] = [await read('ca'), await read('cert'), await read('key')];
  if (ca !== undefined) certificatesOf(ca);
  if (cert !== undefined && key !== undefined) {
    const [certificate] = certificatesOf(cert);
    const ours = certificate?.checkPrivateKey(privateKeyOf(key)) ?? false;
    if (!ours)
      throw refused(`${key.place} is not the key of the certificate ${ssl.cert}: name the two that belong together`);
  }
  return {
    ...(ca === undefined ? {} : { ca: ca.text }),
    ...(cert === undefined ? {} : { cert: cert.text }),
    ...(key === undefined ? {} : { key: key.text }),
  };
}

interface Pem {
  readonly place: string;
  readonly text: string;
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function certificatesOf({ place, text }: Pem): readonly X509Certificate[] {
  const blocks = text.match(certificateBlock);
  if (blocks === null) throw refused(`${place} holds no PEM certificate (BEGIN CERTIFICATE): ${conversion(text)}`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw refused(`${place} holds a certificate that is damaged: copy the file again`);
    }
  });
}

/** Errors of the parser are left out, as they may quote what they read. */
function privateKeyOf({ place, text }: Pem): KeyObject {
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refused(`${place} is encrypted: write it without passphrase with 'openssl pkey -in FILE -out NEW'`);
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw refused(`${place} holds no PEM private key (BEGIN PRIVATE KEY): ${conversion(text)}`);
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw refused(`${place} holds a private key that is damaged: copy the file again`);
  }
}

/** What to do with a file of another format. */
function conversion(text: string): string {
  if (text.includes('-----BEGIN ')) return 'it holds another kind of PEM, so another file is meant';
  return "a Java keystore or .p12 file is converted with 'openssl pkcs12 -in FILE -nodes'";
}

function refused(message: string): HeadwaterError {
  return new HeadwaterError('recipe-invalid', message);
}
