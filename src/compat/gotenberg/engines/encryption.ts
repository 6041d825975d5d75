import type { Fields } from '../fields.ts';

const PERMISSIONS = {
  allowPrinting: 'print',
  allowCopying: 'copy',
  allowModifying: 'modify',
  allowAnnotating: 'annotate',
  allowFillingForms: 'fillForms',
  allowAssembling: 'assemble',
} as const;

/** `finishing.encrypt` of the passwords and the fields `allow…`. @returns undefined: not encrypted */
export function encryption(fields: Fields, { isRequired = false } = {}): Record<string, unknown> | undefined {
  const userPassword = fields.text('userPassword');
  const ownerPassword = fields.text('ownerPassword');
  const sent = Object.entries(PERMISSIONS).flatMap(([field, name]) => {
    const isAllowed = fields.boolean(field);
    return isAllowed === undefined ? [] : [{ field, name, isAllowed }];
  });
  if (userPassword === undefined && ownerPassword === undefined) {
    if (isRequired) fields.refuse('userPassword', 'required: userPassword, ownerPassword, or both');
    for (const { field, isAllowed } of sent)
      if (!isAllowed) fields.refuse(field, 'false is allowed with userPassword or ownerPassword only');
    return undefined;
  }
  const permissions = Object.fromEntries(sent.map(({ name, isAllowed }) => [name, isAllowed]));
  return {
    ...(userPassword !== undefined && { userPassword }),
    ...(ownerPassword !== undefined && { ownerPassword }),
    ...(sent.length > 0 && { permissions }),
  };
}
