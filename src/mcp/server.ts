import { McpServer } from '@modelcontextprotocol/server';
import { Refusal, type ServiceClient, Unreachable } from '../kernel/service-client.ts';
import { refusalAnswer, type Tool } from './tool.ts';
import { getJobTool, listJobsTool } from './tools/jobs.ts';
import { lookAtPagesTool } from './tools/look-at-pages.ts';
import { renderDocumentTool } from './tools/render-document.ts';
import { getTemplateTool, listTemplatesTool, previewTemplateTool, saveTemplateTool } from './tools/templates.ts';

const INSTRUCTIONS = `pdfprompt prints HTML, markdown, addresses and templates as PDFs.
Print with render_document; it returns a picture of the first page: look at it before you say that it is done.
If a job failed, its error and what to do about it are in get_job.
To fix a template: get_template, then preview_template with the changed files until it looks right, then save_template.`;

const TOOLS: readonly Tool[] = [
  renderDocumentTool,
  lookAtPagesTool,
  getJobTool,
  listJobsTool,
  listTemplatesTool,
  getTemplateTool,
  previewTemplateTool,
  saveTemplateTool,
];

interface McpOptions {
  /** of the service that the tools call, with the key of the agent's user */
  client: ServiceClient;
  version: string;
  /** where the agent reaches the service, for links; default: as the service itself says */
  origin?: string | undefined;
  /** besides those that every agent has */
  more?: readonly Tool[];
}

/** A server of the Model Context Protocol: an agent prints, looks at the result, and finds out why a job failed. */
export function createMcpServer({ client, version, origin, more = [] }: McpOptions): McpServer {
  const server = new McpServer({ name: 'pdfprompt', title: 'pdfprompt', version }, { instructions: INSTRUCTIONS });
  for (const { name, title, description, input, isReadOnly, run } of [...TOOLS, ...more])
    server.registerTool(
      name,
      { title, description, inputSchema: input, annotations: { readOnlyHint: isReadOnly, openWorldHint: false } },
      async (args, context) => {
        try {
          return await run(client, args, context.mcpReq.signal, origin);
        } catch (error) {
          if (error instanceof Refusal) return refusalAnswer(error);
          if (error instanceof Unreachable) return { content: [{ type: 'text', text: error.message }], isError: true };
          throw error;
        }
      },
    );
  return server;
}
