import type { Config } from '../config/load.ts';
import { MEGABYTE } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';
import { Composer } from '../templating/composer.ts';

/** What makes HTML of templates and markdown. @param isWarm as {@link Composer} says */
export function buildComposer(
  { config, events }: { config: Config; events: Events },
  { isWarm = false } = {},
): Composer {
  return new Composer({
    timeoutMs: config.templateTimeoutMs,
    memoryBytes: config.templateMemoryMb * MEGABYTE,
    isWarm,
    onComposed: ({ kind, ms }) => events.metrics.templateRender.observe({ kind }, ms / 1_000),
  });
}
