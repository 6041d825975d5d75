import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { MOST_COUNTED } from '../../accounts/user-overview.ts';
import type { Tier } from '../../domain/tier.ts';
import { count, fact, type Html, roughly, tableHead } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';

/** A tier, and how many users are on it: {@link MOST_COUNTED} may be more. */
export type CountedTier = Tier & { users: number };

interface TiersView {
  tiers: readonly CountedTier[];
  message?: Message | undefined;
}

const limit = (value: number | null) => (value === null ? 'no limit' : count(value));
const kept = ({ retention }: Tier) =>
  retention === null || retention === undefined ? html`<span class="dim">PDF_RETENTION</span>` : roughly(retention);
const users = (tier: CountedTier) => `${count(tier.users)}${tier.users >= MOST_COUNTED ? '+' : ''}`;

/** What one may be subscribed to. */
export function tiersPage(session: ConsoleSession, { tiers, message }: TiersView): Html {
  const row = (tier: CountedTier) =>
    html`<tr>
      <th scope="row"><a id="tier-${tier.name}" href="/console/tiers/${tier.name}">${tier.name}</a></th>
      <td class="number">${limit(tier.requestsPerMinute)}</td>
      <td class="number">${limit(tier.requestsPerDay)}</td>
      <td class="number medium">${tier.priority}</td>
      <td class="number medium">${kept(tier)}</td>
      <td class="number">${users(tier)}</td>
    </tr>`;
  return layout({
    title: 'Tiers',
    session,
    at: 'tiers',
    main: html`<div class="head"><h1>Tiers</h1></div>
      ${messageLine(message)}
      <table class="tiers" aria-label="Tiers">
        ${tableHead('Tier', ['A minute', 'number'], ['A day', 'number'], ['Priority', 'number medium'], ['Files are kept', 'number medium'], ['Users', 'number'])}
        <tbody>
          ${tiers.map(row)}
        </tbody>
      </table>
      ${session.may.administer && newTierSection()}`,
  });
}

/** One tier. */
export function tierPage(session: ConsoleSession, tier: CountedTier, message: Message | undefined): Html {
  const { name, priority } = tier;
  return layout({
    title: `Tier ${name}`,
    session,
    at: 'tiers',
    main: html`<div class="head">
        <h1>Tier <span class="id">${name}</span></h1>
      </div>
      ${messageLine(message)}
      <dl class="facts">
        ${fact('Requests in 60 seconds', limit(tier.requestsPerMinute))}
        ${fact('Requests in a UTC day', limit(tier.requestsPerDay))} ${fact('Priority', priority)}
        ${fact('Files are kept', kept(tier))} ${fact('Users', users(tier))}
      </dl>
      ${session.may.administer && changeSection(tier)}`,
  });
}

function newTierSection(): Html {
  return html`<section aria-labelledby="new">
    <h2 id="new">New tier</h2>
    <form class="fields" action="/console/tiers" method="post">
      <p>
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          required
          pattern="[a-z][a-z0-9_\\-]{0,31}"
          title="Lower-case letters, digits, - and _"
        />
      </p>
      ${limitFields()}
      <button type="submit">Create</button>
    </form>
  </section>`;
}

function changeSection(tier: CountedTier): Html {
  return html`<section aria-labelledby="change">
    <h2 id="change">Change</h2>
    <form class="fields" action="/console/tiers" method="post">
      <input type="hidden" name="name" value="${tier.name}" /><input type="hidden" name="changes" value="yes" />
      ${limitFields(tier)}
      <button type="submit">Change</button>
      <p class="hint">At once, for all its users.</p>
    </form>
    ${
      tier.users === 0
        ? html`<form class="fields" action="/console/tiers/${tier.name}/delete" method="post">
            <button class="danger" type="submit">Delete this tier</button>
          </form>`
        : html`<p class="hint">It can be deleted when nobody is on it.</p>`
    }
  </section>`;
}

/** An empty field is no limit. */
function limitFields(tier?: Tier): Html {
  const field = (name: string, label: string, value: number | null | undefined, empty: string) =>
    html`<p>
      <label for="${name}">${label}</label>
      <input id="${name}" name="${name}" type="number" min="1" value="${value ?? ''}" placeholder="${empty}" />
    </p>`;
  return html`${field('requestsPerMinute', 'Requests in 60 seconds', tier?.requestsPerMinute, 'no limit')}
    ${field('requestsPerDay', 'Requests in a UTC day', tier?.requestsPerDay, 'no limit')}
    <p>
      <label for="priority">Priority</label>
      <select id="priority" name="priority">
        ${[0, 1, 2, 3].map((each) => html`<option ${each === tier?.priority && html` selected`}>${each}</option>`)}
      </select>
    </p>
    ${field('retention', 'Seconds that files are kept', tier?.retention, 'PDF_RETENTION')}`;
}
