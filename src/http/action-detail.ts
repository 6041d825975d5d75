import type { BulkAction } from '../bulk/bulk-actions.ts';

/**
 * What the audit log keeps of an action on many jobs, so that it can be followed after the action is deleted. What may
 * name a person is not in it, only that it was asked for: rows outlive an erased user.
 */
export function actionDetail({
  id,
  action,
  expected,
  filter,
}: Pick<BulkAction, 'id' | 'action' | 'expected' | 'filter'>) {
  const namesPerson = (field: string) => field === 'email' || field === 'filename' || field.startsWith('metadata.');
  const fields = Object.entries(filter);
  const withheld = new Set(fields.flatMap(([field]) => (namesPerson(field) ? field.split('.', 1) : [])));
  return {
    actionId: id,
    action,
    expected,
    filter: new URLSearchParams(fields.filter(([field]) => !namesPerson(field))).toString(),
    ...(withheld.size > 0 && { withheld: [...withheld].join(', ') }),
  };
}
