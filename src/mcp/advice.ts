import { adviceFor as adviceForAll } from '../domain/advice.ts';

/** Where a tool helps. */
const BY_TOOL: Record<string, string> = {
  template_failed: 'get_template shows the files; the message names file and line. preview_template tries a change.',
};

/** What an agent can do about an error. */
export function adviceFor(code: string): string {
  return BY_TOOL[code] ?? adviceForAll(code);
}
