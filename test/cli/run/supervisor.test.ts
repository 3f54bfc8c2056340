import { type ChildProcess, spawn } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { Supervisor, type SupervisorOptions } from '../../../cli/run/supervisor.js';

/** Workers that run a script with `life`, how often the worker was started before, in sight. */
function supervised(script: string, workers: number, changes: Partial<SupervisorOptions> = {}) {
  const lives: number[] = [];
  const said: string[] = [];
  const died: (readonly [readonly unknown[], string | undefined])[] = [];
  const children: ChildProcess[] = [];
  const supervisor = new Supervisor({
    workers,
    firstPauseMs: 1,
    start: (worker) => {
      const life = lives[worker] ?? 0;
      lives[worker] = life + 1;
      const code = `const [worker, life] = [${worker}, ${life}]; ${script}`;
      const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      children.push(child);
      return child;
    },
    say: (line) => said.push(line),
    died: (members, report) => died.push([members, report]),
    ...changes,
  });
  return { supervisor, lives, said, died, children };
}

const tells = (message: object) => `process.send(${JSON.stringify(message)});`;

describe('Supervisor', () => {
  it('is complete when every worker has found all done', async () => {
    const { supervisor, lives, died } = supervised('', 3);
    expect(supervisor.obstacle).toBe('worker 1: starting');
    expect(supervisor.running).toBe(3);
    expect(await supervisor.done).toBe('complete');
    expect(supervisor.obstacle).toBeUndefined();
    expect({ lives: lives.slice(1), died }).toEqual({ lives: [1, 1, 1], died: [] });
  });

  it('starts a worker again that was killed, and gives back what it held at once', async () => {
    const script = `
      if (worker === 1 && life < 5) {
        ${tells({ type: 'member', group: 'draft', memberId: 'old' })}
        ${tells({ type: 'member', group: 'draft', memberId: 'new' })}
        ${tells({ type: 'worker', worker: 'w' })}
        ${tells({ type: 'strange' })}
        process.send({ type: 'obstacle', reason: null }, () => process.kill(process.pid, 'SIGKILL'));
      }`;
    const { supervisor, lives, said, died } = supervised(script, 2);
    expect(await supervisor.done).toBe('complete');
    expect(lives.slice(1)).toEqual([6, 1]);
    expect(died).toEqual(Array.from({ length: 5 }, () => [[{ group: 'draft', memberId: 'new' }], 'w']));
    expect(said.map((line) => /in (\S+) s$/.exec(line)?.[1])).toEqual(['0.0', '0.0', '0.0', '0.0', '0.0']);
    expect(said[0]).toMatch(/^worker 1 ended by SIGKILL; it is started again/);
  });

  it('passes on what workers write, and pauses twice as long after each death', async () => {
    const script = `if (life < 3) { console.error('oh dear'); process.kill(process.pid, 'SIGKILL'); }`;
    const { supervisor, said } = supervised(script, 1, { firstPauseMs: 100 });
    expect(await supervisor.done).toBe('complete');
    const pauses = said.flatMap((line) => /in (\S+) s$/.exec(line)?.[1] ?? []);
    expect(pauses).toEqual(['0.1', '0.2', '0.4']);
    expect(said.filter((line) => line === 'worker 1: oh dear')).toHaveLength(3);
  });

  it('ends all workers, with what it said, where the input of one is wrong', async () => {
    const failed = { type: 'failed', code: 'data-in-use', message: 'process 7 runs on it' };
    const script = `
      process.on('SIGTERM', () => process.exit(130));
      if (worker === 2) process.send(${JSON.stringify(failed)}, () => process.exit(2));
      else setInterval(() => {}, 1000);`;
    const { supervisor, lives } = supervised(script, 3);
    await expect(supervisor.done).rejects.toMatchObject({ code: 'data-in-use', message: 'process 7 runs on it' });
    expect({ lives: lives.slice(1), running: supervisor.running }).toEqual({ lives: [1, 1, 1], running: 0 });
  });

  it('gives up on a worker that fails three times', async () => {
    const failed = { type: 'failed', code: 'nothing-accepted', message: '200 plans ended without a sample' };
    const script = `process.send(${JSON.stringify(failed)}, () => process.exit(1));`;
    const { supervisor, lives, said } = supervised(script, 1);
    await expect(supervisor.done).rejects.toMatchObject({
      code: 'nothing-accepted',
      message: 'worker 1 failed 3 times: 200 plans ended without a sample',
    });
    expect(lives[1]).toBe(3);
    expect(said[0]).toMatch(/^worker 1 failed: 200 plans ended without a sample; it is started again/);
  });

  it('passes a stop on, and waits; the second time is passed on, too', async () => {
    const script = `
      let stops = 0;
      process.on('SIGTERM', () => { if (++stops === 2) process.exit(130); else process.send({ type: 'obstacle', reason: 'draining' }); });
      setInterval(() => {}, 1000);
      ${tells({ type: 'obstacle', reason: null })}`;
    const { supervisor, children } = supervised(script, 2);
    const heard = (child: ChildProcess) => new Promise((resolve) => child.once('message', resolve));
    await Promise.all(children.map(heard));
    expect(supervisor.obstacle).toBeUndefined();
    const draining = Promise.all(children.map(heard));
    supervisor.stop();
    await draining;
    expect(supervisor.obstacle).toBe('draining');
    expect(supervisor.running).toBe(2);
    supervisor.stop();
    expect(await supervisor.done).toBe('stopped');
  });

  it('stops at once where all workers wait to be started again', async () => {
    const { supervisor } = supervised(`process.kill(process.pid, 'SIGKILL')`, 1, {
      firstPauseMs: 60_000,
      say: () => supervisor.stop(),
    });
    expect(await supervisor.done).toBe('stopped');
  });
});
