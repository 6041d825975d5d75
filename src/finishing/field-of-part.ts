/** The field of a request with the PDF of a part. @param parts of the job */
export const fieldOfPart = (index: number, parts: number): string => (parts === 1 ? 'pdf' : `parts[${index}].pdf`);
