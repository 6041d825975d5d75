import { serveStdio as serve, type StdioServerHandle } from '@modelcontextprotocol/server/stdio';
import type { McpServer } from '@modelcontextprotocol/server';

/** Speaks with one agent on stdin and stdout, until stdin ends. @param create called for each connection */
export function serveStdio(create: () => McpServer): StdioServerHandle {
  return serve(create);
}
