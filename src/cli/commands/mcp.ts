import { once } from 'node:events';
import { Command } from 'commander';
import { serviceClient } from '../service-client.ts';
import { readConfig } from '../settings-flags.ts';

export function mcpCommand(): Command {
  return new Command('mcp')
    .description('Tools for agents, over the Model Context Protocol on stdin and stdout')
    .addHelpText(
      'after',
      `
An agent starts it. Its configuration is:
  {"mcpServers": {"pdfprompt": {"command": "npx", "args": ["pdfprompt", "mcp"], "env": {"PDFPROMPT_URL": "https://…", "PDFPROMPT_KEY": "pdf_…"}}}}
A running service has the same tools at POST /mcp, for keys with the scope jobs:write.`,
    )
    .action(async (options: Record<string, unknown>) => {
      const client = await serviceClient(readConfig(options));
      const [{ serveStdio }, { createMcpServer }, { savePdfTool }, { VERSION }] = await Promise.all([
        import('../../mcp/serve-stdio.ts'),
        import('../../mcp/server.ts'),
        import('../save-pdf-tool.ts'),
        import('../../runtime/version.ts'),
      ]);
      const closed = once(process.stdin, 'close');
      const server = serveStdio(() => createMcpServer({ client, version: VERSION, more: [savePdfTool] }));
      await closed;
      await server.close();
    });
}
