import type { Client } from '../../src/db/driver.ts';
import { removeUnusedAssets } from '../../src/assets/remove-unused-assets.ts';
import { removeDeletedVersions } from '../../src/templates/delete-template.ts';
import { type Ask, at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** Users with templates: each has ten, of ten versions with two files. */
const OWNERS = 500;

/** Those who have templates and files. @param guests users who have none yet */
export async function templateVisits(
  service: StagedService,
  sql: Client,
  { ask, guests, round }: { ask: Ask; guests: Guest[]; round: number },
): Promise<Visit[]> {
  if (round === 0) await fill(sql);
  const { db } = service.chores;
  const path = '/v1/templates/letter';
  const guest = (turn: number) => at(guests, turn);
  const files = (text: string) => ({ 'index.html': { text }, 'style.css': { text: `/* ${text} */` } });
  const assets: string[] = [];
  const visit = (name: string, run: (turn: number) => Promise<unknown>): Visit => ({
    name,
    run: async (turn) => void (await run(turn)),
  });
  return [
    visit('PUT /v1/templates/{name}', (turn) =>
      ask(guest(turn), 'PUT', path, 201, { body: { files: files(`one ${turn}`) } }),
    ),
    visit('GET /v1/templates/{name}', (turn) => ask(guest(turn), 'GET', path, 200)),
    visit('GET /v1/templates', (turn) => ask(guest(turn), 'GET', '/v1/templates', 200)),
    visit('GET /v1/templates/{name}/versions', (turn) => ask(guest(turn), 'GET', `${path}/versions`, 200)),
    visit('POST /v1/templates/{name}/preview', (turn) =>
      ask(guest(turn), 'POST', `${path}/preview`, 202, { body: {}, headers: { Prefer: 'wait=0' } }),
    ),
    visit('POST /v1/jobs (template)', (turn) =>
      ask(guest(turn), 'POST', '/v1/jobs', 202, { body: { template: 'letter' } }),
    ),
    visit('PUT /v1/assets', async (turn) => {
      const { id } = (await ask(guest(turn), 'PUT', '/v1/assets', 201, { body: { turn, round } })) as { id: string };
      assets[turn] = id;
    }),
    visit('GET /v1/assets/{id}', (turn) => ask(guest(turn), 'GET', `/v1/assets/${assets[turn]}`, 200)),
    visit('DELETE /v1/templates/{name}', (turn) => ask(guest(turn), 'DELETE', path, 204)),
    visit('removing what is unused', async () => {
      await removeDeletedVersions(db);
      await removeUnusedAssets(db);
    }),
  ];
}

/** Fifty thousand assets, and as many versions of templates. */
async function fill(sql: Client): Promise<void> {
  await sql.unsafe(`
    create temporary table owner as select id, row_number() over () as n from pdfprompt_user limit ${OWNERS};
    insert into pdfprompt_asset (id, user_id, sha256, size, type, store, used_at)
      select gen_random_uuid(), o.id, sha256((o.n || '-' || g)::bytea), 1, 'text/css', 'postgres', now() - interval '2 hours'
      from owner o, generate_series(1, 100) g;
    insert into pdfprompt_template (id, user_id, name, latest)
      select gen_random_uuid(), o.id, 'filled-' || g, 10 from owner o, generate_series(1, 10) g;
    insert into pdfprompt_template_version (id, template_id, user_id, version, hash)
      select gen_random_uuid(), t.id, t.user_id, g, '' from pdfprompt_template t, generate_series(1, 10) g where t.name like 'filled-%';
    insert into pdfprompt_template_file (version_id, name, asset_id)
      select v.id, 'file-' || f, (select a.id from pdfprompt_asset a where a.user_id = v.user_id order by a.sha256 offset v.version * 2 + f limit 1)
      from pdfprompt_template_version v, generate_series(0, 1) f;
    drop table owner`);
}
