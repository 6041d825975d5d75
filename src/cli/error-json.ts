import { CodedError, messageOf } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import { Refusal } from '../kernel/service-client.ts';

/**
 * What `--json` prints of a command that failed. `code` is one of ERROR_CODES, or null: it is neither the service
 * nor a function of the API that refused it. `errors` has each field that was refused.
 */
export function errorJson(error: unknown) {
  const isCoded = (each: unknown) => each instanceof Refusal || each instanceof CodedError;
  const coded = [error, error instanceof Error ? error.cause : undefined].find(isCoded);
  // A refusal's own text: a terminal is shown tables and advice too. Messages of commander begin with `error: `.
  const said = coded instanceof Refusal ? coded.message : messageOf(error).replace(/^error: /, '');
  const fields = (coded instanceof Refusal ? coded.problems : coded?.fields) ?? [];
  return {
    error: withoutSecrets(said),
    code: coded?.code || null,
    errors: fields.map((each) => ({ ...each, message: withoutSecrets(each.message) })),
  };
}
