import type { Command } from 'commander';
import { processCommand } from '../process-command.ts';

export function upCommand(): Command {
  return processCommand({
    name: 'up',
    description: 'Everything on this machine: Postgres (embedded, unless DATABASE_URL is set), the API and one worker',
    start: async (options) => (await import('../../runtime/up.ts')).up(options),
    facts: ({ url, key, consoleUrl }) => ({ url, key, console: consoleUrl }),
    greeting: ({ url, key, consoleUrl }) => `
pdfprompt is ready at ${url}   (documentation: ${url}/docs)
key: ${key}
studio: ${url}/studio   (write templates and see their PDF; sign in with this key)
console: ${consoleUrl}   (signs in once, within 15 minutes; another: npx pdfprompt console --port ${new URL(url).port})

Your first PDF, into hello.pdf:

  curl -sS --fail-with-body ${url}/v1/pdf -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '{"html":"<h1>Hello</h1><p>from pdfprompt</p>"}' -o hello.pdf

Ctrl-C stops it; jobs, PDFs and the key are there at the next start.
`,
  });
}
