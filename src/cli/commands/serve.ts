import type { Command } from 'commander';
import { processCommand } from '../process-command.ts';

export function serveCommand(): Command {
  return processCommand({
    name: 'serve',
    description: 'The API; it accepts jobs and hands out PDFs, workers make them',
    start: async (options) => (await import('../../runtime/serve.ts')).serve(options),
    facts: ({ url }) => ({ url }),
    greeting: ({ url }) => `pdfprompt serves at ${url}   (documentation: ${url}/docs)`,
  });
}
