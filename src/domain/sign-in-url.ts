/** The address that signs in to the console once. @param base where the service is, without a slash at its end */
export const signInUrl = (base: string, { token }: { token: string }) => `${base}/console/sign-in?link=${token}`;
