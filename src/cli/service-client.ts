import type { Config } from '../config/load.ts';
import { UsageError } from '../kernel/errors.ts';
import { isLoopbackUrl } from '../kernel/loopback.ts';
import { ServiceClient } from '../kernel/service-client.ts';

/** The client of the settings. @throws UsageError without a key */
export async function serviceClient({ serviceUrl, port, serviceKey, dataDir }: Config): Promise<ServiceClient> {
  const url = serviceUrl ?? `http://127.0.0.1:${port}`;
  const { keptDemoKey } = await import('../runtime/demo-key.ts');
  const key = serviceKey ?? (isLoopbackUrl(url) ? await keptDemoKey(dataDir) : '');
  if (key === '')
    throw new UsageError(
      `It needs a key for ${url}; allowed: PDFPROMPT_KEY or --key, as \`pdfprompt up\` and \`pdfprompt keys create\` print one`,
    );
  return new ServiceClient(url, key, serviceUrl === undefined ? `, where \`pdfprompt up\` is with PORT=${port},` : '');
}
