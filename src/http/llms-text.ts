import type { Operation } from './route.ts';

/** What a language model needs to use this service, by the convention of llms.txt. */
export function llmsText(operations: readonly Operation[]): string {
  const calls = operations
    .filter(({ endpoint }) => !endpoint.includes('/v1/admin'))
    .map(({ endpoint, summary }) => `- \`${endpoint}\`: ${summary}`);
  return `# pdfprompt

> PDFs as a durable queue: send HTML, markdown, a URL, a template with data, or PDFs, and get a PDF. Accepted work is never lost.

Every request has \`Authorization: Bearer pdf_…\`. Errors are JSON (RFC 9457) with \`code\`, \`detail\` and \`errors\`, which name each field and what is allowed. The shortest way:

\`\`\`
POST /v1/pdf
Content-Type: application/json

{"html": "<h1>Hello</h1>", "options": {"format": "A4", "margin": {"top": "20mm", "bottom": "20mm"}}}
\`\`\`

The answer is the PDF; or 202 with \`Location\` if it takes longer than \`Prefer: wait=30\`. \`POST /v1/jobs\` answers at once, and \`GET /v1/jobs/{id}?wait=30\` when the job has ended.

## For programs

- [OpenAPI document](/openapi.json): every request and answer
- [The same as a page](/docs)
- \`POST /mcp\`: tools for agents, by the Model Context Protocol (streamable HTTP), with the same key

## Calls

${calls.join('\n')}
`;
}
