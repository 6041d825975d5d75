import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Lifecycle, ServiceGroup } from '../../src/kernel/lifecycle.ts';

class Recorder extends Lifecycle {
  readonly steps: string[] = [];
  readonly name: string;
  readonly log: string[];
  failNext = false;
  failNextStop = false;

  constructor(name = 'service', log: string[] = []) {
    super();
    this.name = name;
    this.log = log;
  }

  protected async onStart(): Promise<void> {
    this.steps.push('starting');
    await sleep(Math.random() * 3);
    if (this.failNext) {
      this.failNext = false;
      throw new Error('did not start');
    }
    this.steps.push('started');
    this.log.push(`+${this.name}`);
  }

  protected override async onStop(): Promise<void> {
    this.steps.push('stopping');
    await sleep(Math.random() * 3);
    if (this.failNextStop) {
      this.failNextStop = false;
      throw new Error('did not stop');
    }
    this.steps.push('stopped');
    this.log.push(`-${this.name}`);
  }
}

describe('every service', () => {
  it('starts once, however often it is started', async () => {
    const service = new Recorder();
    await Promise.all([service.start(), service.start()]);
    await service.start();
    expect(service.steps).toEqual(['starting', 'started']);
  });

  it('stops once, however often it is stopped, and may be stopped before it was started', async () => {
    const service = new Recorder();
    await service.stop();
    await service.start();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
    expect(service.steps).toEqual(['starting', 'started', 'stopping', 'stopped']);
  });

  it('lets a start that is under way finish before it stops', async () => {
    const service = new Recorder();
    const starting = service.start();
    await service.stop();
    await starting;
    expect(service.steps).toEqual(['starting', 'started', 'stopping', 'stopped']);
  });

  it('may be started again after a start that failed, and after a stop', async () => {
    const service = new Recorder();
    service.failNext = true;
    await expect(service.start()).rejects.toThrow('did not start');
    await service.start();
    await service.stop();
    await service.start();
    expect(service.steps.filter((step) => step === 'started')).toHaveLength(2);
  });

  it('starts anew after a stop that failed', async () => {
    const service = new Recorder();
    await service.start();
    service.failNextStop = true;
    await expect(service.stop()).rejects.toThrow('did not stop');
    await service.start();
    await service.stop();
    expect(service.steps.slice(-4)).toEqual(['starting', 'started', 'stopping', 'stopped']);
  });

  it('never overlaps its starts and stops under a storm of calls', async () => {
    const service = new Recorder();
    const calls = Array.from({ length: 200 }, async () => {
      await sleep(Math.random() * 100);
      await (Math.random() < 0.5 ? service.start() : service.stop());
    });
    await Promise.all(calls);
    await service.start();
    await service.stop();
    const expected = ['starting', 'started', 'stopping', 'stopped'];
    expect(service.steps).toEqual(service.steps.map((_, index) => expected[index % 4]));
    expect(service.steps.length % 4).toBe(0);
  });
});

describe('a group of services', () => {
  it('starts in order and stops in the opposite order', async () => {
    const log: string[] = [];
    const group = new ServiceGroup([new Recorder('a', log), new Recorder('b', log)]);
    await group.start();
    await group.stop();
    expect(log).toEqual(['+a', '+b', '-b', '-a']);
  });

  it('stops what had started when one does not start', async () => {
    const log: string[] = [];
    const bad = new Recorder('b', log);
    bad.failNext = true;
    const group = new ServiceGroup([new Recorder('a', log), bad, new Recorder('c', log)]);
    await expect(group.start()).rejects.toThrow('did not start');
    expect(log).toEqual(['+a', '-a']);
  });
});
