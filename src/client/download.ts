/** A file that the service sends, which is not read yet. It is read once, as one of these. */
export class Download {
  /** of the job that made it; undefined: of a batch or an asset */
  readonly jobId: string | undefined;
  /** the answer itself, for a framework that sends it on */
  readonly response: Response;
  /** its media type */
  readonly type: string;
  /** bytes; undefined if that is not known before the end */
  readonly size: number | undefined;
  /** the name that the request gave it */
  readonly filename: string | undefined;
  /** how many resources of the document did not load; the job lists them */
  readonly failedResources: number;

  readonly #again: (() => Promise<Response>) | undefined;

  /** @param again asks for the file once more, if the first answer breaks off */
  constructor(
    response: Response,
    { jobId, again }: { jobId?: string | undefined; again?: () => Promise<Response> } = {},
  ) {
    const { headers } = response;
    this.jobId = jobId;
    this.#again = again;
    this.response = response;
    this.type = headers.get('content-type') ?? '';
    this.size = headers.has('content-length') ? Number(headers.get('content-length')) : undefined;
    this.filename = filenameOf(headers.get('content-disposition') ?? '');
    this.failedResources = Number(headers.get('x-failed-resources') ?? 0);
  }

  /** The bytes as they come: no faster than they are read. */
  get stream(): ReadableStream<Uint8Array> {
    return this.response.body as ReadableStream<Uint8Array>;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#whole((response) => response.arrayBuffer()));
  }

  async blob(): Promise<Blob> {
    return this.#whole((response) => response.blob());
  }

  async #whole<T>(read: (response: Response) => Promise<T>): Promise<T> {
    if (!this.#again || this.response.bodyUsed) return read(this.response);
    try {
      return await read(this.response);
    } catch {
      return read(await this.#again());
    }
  }
}

/** RFC 6266, as the service writes it. */
function filenameOf(disposition: string): string | undefined {
  const encoded = /filename\*=UTF-8''([^;]*)/.exec(disposition)?.[1];
  return encoded === undefined ? undefined : decodeURIComponent(encoded);
}
