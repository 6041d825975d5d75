// The request that prints a template, as a program makes it.

const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** @param {{ template: string, data?: unknown }} request @param {string} origin of the service */
export function curlOf(request, origin) {
  return `curl -sS --fail-with-body ${origin}/v1/pdf \\
  -H "Authorization: Bearer $PDFPROMPT_KEY" \\
  -H 'Content-Type: application/json' \\
  -d ${quoted(JSON.stringify(request, null, 2))} \\
  -o document.pdf`;
}

export function typeScriptOf(request, origin) {
  const body = JSON.stringify(request, null, 2).replaceAll('\n', '\n  ');
  return `import { writeFile } from 'node:fs/promises';

const response = await fetch('${origin}/v1/pdf', {
  method: 'POST',
  headers: {
    Authorization: \`Bearer \${process.env.PDFPROMPT_KEY}\`,
    'Content-Type': 'application/json',
  },
  body: JSON.stringify(${body}),
});
if (!response.ok) throw new Error(await response.text());
await writeFile('document.pdf', Buffer.from(await response.arrayBuffer()));`;
}
