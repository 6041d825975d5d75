import { describe, expect, it } from 'vitest';
import * as client from '../../src/client/client.ts';
import { runScenario, scenarios } from '../support/client-scenarios.ts';
import { startService } from '../support/service.ts';

const { address, key } = await startService({ worker: true });

describe('the client, in Node', () => {
  it.each(Object.keys(scenarios))('%s', async (name) => {
    await expect(runScenario(name, { client, url: address, key })).resolves.toBeUndefined();
  });
});
