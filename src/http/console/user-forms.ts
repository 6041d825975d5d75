import { html } from 'hono/html';
import type { UserOverview } from '../../accounts/user-overview.ts';
import type { User } from '../../accounts/users.ts';
import type { Html } from './figures.ts';

export function tierForm({ id, tier }: User, { tiers }: UserOverview): Html {
  return html`<form class="fields" action="/console/users/${id}/tier" method="post">
    <p>
      <label for="new-tier">Tier</label>
      <select id="new-tier" name="tier">
        ${tiers.map(({ name }) => html`<option value="${name}" ${name === tier && html` selected`}>${name}</option>`)}
      </select>
    </p>
    <button type="submit">Move to this tier</button>
    <p class="hint">At once, for all their requests from now on.</p>
  </form>`;
}

/** Empty fields are as the tier says. */
export function limitsForm({ id, limits: overrides }: User, { tier }: UserOverview): Html {
  if (!tier) return html``;
  const field = (name: 'requestsPerMinute' | 'requestsPerDay' | 'retention', label: string, fallback: string) => {
    const value = overrides[name];
    return html`<p>
      <label for="${name}">${label}</label>
      <input
        id="${name}"
        name="${name}"
        inputmode="numeric"
        pattern="none|[0-9]*"
        title="A whole number, none, or nothing"
        value="${value === undefined ? '' : (value ?? 'none')}"
        placeholder="${fallback}"
        autocomplete="off"
      />
    </p>`;
  };
  const of = (value: number | null | undefined, otherwise: string) => `${tier.name}: ${value ?? otherwise}`;
  return html`<form class="fields" action="/console/users/${id}/limits" method="post">
    ${field('requestsPerMinute', 'Requests in 60 seconds', of(tier.requestsPerMinute, 'none'))}
    ${field('requestsPerDay', 'Requests in a UTC day', of(tier.requestsPerDay, 'none'))}
    <p>
      <label for="priority">Priority</label>
      <select id="priority" name="priority">
        <option value="">${of(tier.priority, '')}</option>
        ${[0, 1, 2, 3].map((each) => html`<option value="${each}" ${overrides.priority === each && html` selected`}>${each}</option>`)}
      </select>
    </p>
    ${field('retention', 'Seconds that files are kept', of(tier.retention, 'PDF_RETENTION'))}
    <button type="submit">Set their limits</button>
    <p class="hint">
      An empty field is as the tier says; <code>none</code> is no limit, and of files the setting
      <code>PDF_RETENTION</code>.
    </p>
  </form>`;
}

/** The email has to be typed: an erasure is for ever. */
export function eraseForm({ id, email }: User): Html {
  return html`<form class="fields" action="/console/users/${id}/erase" method="post">
    <p>
      <label for="erase">Their email, to erase everything of theirs</label>
      <input id="erase" name="email" type="email" required autocomplete="off" placeholder="${email}" maxlength="320" />
    </p>
    <button class="danger" type="submit">Erase this user</button>
    <p class="hint">
      Keys, jobs, PDFs, templates, webhooks, schedules. Running jobs stop at once. The usage that was charged stays, as
      sums without a name.
    </p>
  </form>`;
}
