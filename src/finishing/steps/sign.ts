import type { FinishingStep } from '../step.ts';
import type { SignSettings } from '../write/sign-files.ts';

/** Always the last one: whatever is changed afterwards makes the signature invalid. */
export const signStep: FinishingStep<SignSettings> = {
  name: 'sign',
  settingsOf: ({ result: { finishing: { sign, encrypt } = {} }, signer }) => {
    if (!sign || !signer) return undefined;
    const { reason: Reason, location: Location, contact: ContactInfo } = sign === true ? {} : sign;
    const password = encrypt && (encrypt.ownerPassword ?? encrypt.userPassword);
    return { signer, texts: { Reason, Location, ContactInfo }, ...(password !== undefined && { password: password.normalize('NFKC') }) }; // prettier-ignore
  },
  load: async () => {
    const { signFiles } = await import('../write/sign-files.ts');
    return { run: signFiles };
  },
};
