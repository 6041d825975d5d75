import { createOpsApp } from '../http/ops.ts';
import { HttpServer } from '../http/server.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Base } from './compose.ts';

/** Metrics and health of a process, if `OPS_PORT` is set. It is stopped last, so that it answers until the end. */
export function buildOps({ config, health, events }: Base): Service[] {
  if (config.opsPort === undefined) return [];
  const app = createOpsApp({ health, metrics: events.metrics });
  return [
    new HttpServer({
      app,
      host: config.host,
      port: config.opsPort,
      name: 'OPS_PORT',
      maxConnections: 100,
      graceMs: 1_000,
    }),
  ];
}
