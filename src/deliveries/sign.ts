import { Webhook } from 'standardwebhooks';

interface Signed {
  /** the same for every try of a delivery */
  id: string;
  at: Date;
  payload: string;
  /** `whsec_…`, each; during a rotation the new one and the old one */
  secrets: readonly string[];
}

/** The headers of Standard Webhooks: a receiver accepts any one of the signatures. */
export function signatureHeaders({ id, at, payload, secrets }: Signed): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, payload)).join(' '),
  };
}
