import { describe, expect, it } from 'vitest';
import { makeBatch } from '../support/batches.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';
import { qpdfProblems, textOfPages } from '../support/pdf-tools.ts';
import { commandOf, descendants, eventually } from '../support/processes.ts';
import { startFleet } from '../support/worker-fleet.ts';

const { sql, address, headers, worker, outcomes } = await startFleet({ LOG_LEVEL: 'info' });
const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user`;
const userId = user?.id ?? '';

const nonceOf = (row: number) => `row ${row}: ${(row * 7_919) % 99_991}.`;
const htmlOf = (
  row: number,
) => `<title>Letter ${row}</title><h1 id=top>Letter</h1><p>${nonceOf(row)} <a href="#end">on</a></p>
  <h2 id=end style="break-before: page">The end</h2><p>${nonceOf(row)} <a href="#top">back</a></p>`;
const request = { options: { tagged: true, outline: true }, failOnConsoleError: true };

async function mergedBy(batchId: string): Promise<{ job: string; pdf: Buffer }> {
  const closing = () => sql<{ id: string; status: string }[]>`select j.id, b.status from pdfprompt_batch b join pdfprompt_job j on j.batch_id = b.id and j.batch_row is null where b.id = ${batchId} and b.completed_at is not null`; // prettier-ignore
  await eventually(async () => (await closing()).length > 0, 120_000, 'the batch has ended');
  const rows = await closing();
  expect(rows).toEqual([{ id: expect.any(String), status: 'completed' }]);
  const job = rows[0]?.id ?? '';
  const response = await fetch(`${address}/v1/jobs/${job}/pdf`, { headers });
  expect(response.headers.get('content-disposition')).toContain('all.pdf');
  return { job, pdf: Buffer.from(await response.arrayBuffer()) };
}

describe('a batch that becomes one PDF', () => {
  it('has the pages, bookmarks and links of all items that are completed', async () => {
    const items = [1, 2, 3, 4, 5, 6].map((row) => ({
      html: row === 4 ? '<script>console.error("no")</script>' : htmlOf(row),
    }));
    const { id } = await makeBatch(sql, { userId, items, result: 'merged', filename: 'all.pdf', request });
    const own = await worker(2);
    const { job, pdf } = await mergedBy(id);
    const rows = [1, 2, 3, 5, 6];
    const texts = textOfPages(pdf);
    expect(texts).toHaveLength(10);
    for (const [page, text] of texts.entries()) expect(text).toContain(nonceOf(rows[Math.floor(page / 2)] ?? 0));
    expect(await inspectPdf(pdf)).toMatchObject({
      problems: [],
      links: texts.map((_, page) => ({ from: page + 1, to: page % 2 === 0 ? page + 2 : page })),
      bookmarks: rows.flatMap((row, index) => [
        { level: 1, title: `Letter ${row}`, page: 2 * index + 1 },
        { level: 2, title: 'Letter', page: 2 * index + 1 },
        { level: 3, title: 'The end', page: 2 * index + 2 },
      ]),
    });
    expect(qpdfProblems(pdf)).toBe('');
    const lines = own.stderr().split('\n').filter((line) => line.includes(job)); // prettier-ignore
    expect(lines.find((line) => line.includes('"job.ended"'))).toContain('"pages":10');
  }, 300_000);

  it('is made again when its worker is killed while it merges, and is there once', async () => {
    const items = Array.from({ length: 60 }, (_, index) => ({ html: htmlOf(index + 1) }));
    const { id } = await makeBatch(sql, { userId, items, result: 'merged', filename: 'all.pdf' });
    const doomed = await worker(2);
    const isMerging = () => descendants(doomed.pid).some((pid) => commandOf(pid).includes('finishing/child'));
    await eventually(isMerging, 120_000, 'it merges');
    doomed.child.kill('SIGKILL');
    await doomed.exited;
    await worker(2);
    const { job, pdf } = await mergedBy(id);
    expect(await outcomes([job])).toEqual(['lost done']);
    expect(await sql`select pages from pdfprompt_file where job_id = ${job}`).toEqual([{ pages: 120 }]);
    const texts = textOfPages(pdf);
    expect(texts.map((text, page) => text.includes(nonceOf(Math.floor(page / 2) + 1)))).toEqual(texts.map(() => true));
    expect(texts).toHaveLength(120);
  }, 300_000);
});
