import { accepts } from 'hono/accepts';
import { PDF_TYPE } from '../domain/media-type.ts';
import type { AppContext } from './route.ts';
import { type SendDeps, type SendInput, sendPdf } from './send-pdf.ts';
import { sendZip } from './send-zip.ts';

const ZIP_TYPE = 'application/zip';

/**
 * Answers with the first file of a job, or with all of them as a zip if `Accept` prefers that.
 * @throws CodedError before the first byte if it cannot be sent
 */
export async function sendByAccept(
  c: AppContext,
  deps: SendDeps,
  input: Omit<SendInput, 'position'>,
): Promise<Response> {
  const response = await (prefersZip(c) ? sendZip(c, deps, input) : sendPdf(c, deps, input));
  response.headers.append('Vary', 'Accept');
  return response;
}

/** How much a type is wanted, and how exactly it is named: `*` less than `application/*`, and that less than itself. */
interface Wish {
  q: number;
  exactness: number;
}

/** What clients send that want no type above another. */
const ANYTHING = new Set<string | undefined>([undefined, '*/*', PDF_TYPE]);

/** Whether `Accept` asks for all files of a job as a zip. */
export function prefersZip(c: AppContext): boolean {
  if (ANYTHING.has(c.req.header('accept'))) return false; // most requests
  const chosen = accepts(c, {
    header: 'Accept',
    supports: [PDF_TYPE, ZIP_TYPE],
    default: PDF_TYPE,
    // Hono's own rule takes a type that is named before `*/*`, even with a lower q.
    match: (wishes, config) => {
      const wishFor = (type: string): Wish => {
        const names = ['*/*', 'application/*', type];
        return wishes
          .map((wish): Wish => ({ q: wish.q, exactness: names.indexOf(wish.type.toLowerCase()) }))
          .filter(({ exactness }) => exactness !== -1)
          .reduce((best, wish) => (wish.exactness > best.exactness ? wish : best), { q: 0, exactness: -1 });
      };
      const [pdf, zip] = [wishFor(PDF_TYPE), wishFor(ZIP_TYPE)];
      const isZip = zip.q > pdf.q || (zip.q === pdf.q && zip.q > 0 && zip.exactness > pdf.exactness);
      return isZip ? ZIP_TYPE : config.default;
    },
  });
  return chosen === ZIP_TYPE;
}
