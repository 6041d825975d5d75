import { html } from 'hono/html';
import type { Html } from './figures.ts';
import { layout } from './layout.ts';

/** @param from where to go afterwards @param refusal why it was not let in */
export function signInPage({ from, refusal }: { from: string; refusal?: string | undefined }): Html {
  return layout({
    title: 'Sign in',
    session: undefined,
    main: html`<div class="sign-in">
      <h1>Sign in</h1>
      ${refusal !== undefined && html`<p class="message message-refused" role="alert" id="refusal">${refusal}</p>`}
      <form action="/console/sign-in" method="post">
        <input type="hidden" name="from" value="${from}" />
        <p>
          <label for="key">API key with the scope <code>admin</code></label>
          <input
            id="key"
            name="key"
            type="password"
            required
            autofocus
            autocomplete="current-password"
            spellcheck="false"
            maxlength="200"
            ${refusal !== undefined && html` aria-invalid="true" aria-describedby="refusal"`}
          />
        </p>
        <p><button type="submit">Sign in</button></p>
      </form>
      <p class="hint">
        There is none yet? On the server: <code>pdfprompt keys create --user you@example.com --scopes admin</code>
      </p>
    </div>`,
  });
}

/** What went wrong, for whoever is signed in or not. */
export function errorPage(about: {
  title: string;
  text: string;
  requestId: string;
  session: Parameters<typeof layout>[0]['session'];
}): Html {
  const { title, text, requestId, session } = about;
  return layout({
    title,
    session,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      <p class="hint">Request <code>${requestId}</code>. <a href="/console">Back to the overview</a></p>`,
  });
}
