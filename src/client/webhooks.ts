import type { Delivery, Replayed, SecretRotation, SentTest, SigningSecret, Webhook, WebhookSettings, WebhookWithSecret } from './api-types.ts'; // prettier-ignore
import { type CallOptions, type Connection, jsonBody } from './connection.ts';
import { pages } from './pages.ts';

export class Webhooks {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Registers an endpoint. The secret of its messages is in this answer only. */
  async create(settings: WebhookSettings, { signal }: CallOptions = {}): Promise<WebhookWithSecret> {
    return this.#connection.json({ method: 'POST', path: 'webhooks', body: jsonBody(settings), signal });
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Webhook> {
    return this.#connection.json({ method: 'GET', path: webhookPath(id), signal });
  }

  /** Your webhooks, oldest first. */
  list(options: CallOptions = {}): AsyncGenerator<Webhook, void, undefined> {
    return pages(this.#connection, 'webhooks', options);
  }

  /** Replaces its settings. */
  async put(id: string, settings: WebhookSettings, { signal }: CallOptions = {}): Promise<Webhook> {
    return this.#connection.json({ method: 'PUT', path: webhookPath(id), body: jsonBody(settings), signal });
  }

  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.delete(webhookPath(id), { signal });
  }

  /** A new secret in place of its own; `id` left out: of that which signs webhooks to URLs that jobs name. */
  async rotate(id?: string, rotation: SecretRotation = {}, { signal }: CallOptions = {}): Promise<SigningSecret> {
    const path = id === undefined ? 'webhooks/secret/rotate' : `${webhookPath(id)}/rotate`;
    return this.#connection.json({ method: 'POST', path, body: jsonBody(rotation), signal });
  }

  /** The secret that signs webhooks to URLs that jobs name. */
  async secret({ signal }: CallOptions = {}): Promise<SigningSecret> {
    return this.#connection.json({ method: 'GET', path: 'webhooks/secret', signal });
  }

  /** Sends the event `webhook.test`. */
  async test(id: string, { signal }: CallOptions = {}): Promise<SentTest> {
    return this.#connection.json({ method: 'POST', path: `${webhookPath(id)}/test`, signal });
  }

  /** What was sent there, newest first, with every attempt. */
  deliveries(id: string, options: CallOptions = {}): AsyncGenerator<Delivery, void, undefined> {
    return pages(this.#connection, `${webhookPath(id)}/deliveries`, options);
  }

  /** Sends a message again. @param delivery its id */
  async replay(id: string, delivery: string, { signal }: CallOptions = {}): Promise<Delivery> {
    const path = `${webhookPath(id)}/deliveries/${encodeURIComponent(delivery)}/replay`;
    return this.#connection.json({ method: 'POST', path, signal });
  }

  /** Sends again what has failed since a time (ISO 8601). */
  async replayFailed(id: string, since: string, { signal }: CallOptions = {}): Promise<Replayed> {
    return this.#connection.json({
      method: 'POST',
      path: `${webhookPath(id)}/replay`,
      body: jsonBody({ since }),
      signal,
    });
  }
}

const webhookPath = (id: string) => `webhooks/${encodeURIComponent(id)}`;
