/** Where a running service has the page about moving here from another service. */
export const MOVING_PAGE = '/docs/moving.md';

const MARGINS = ['top', 'right', 'bottom', 'left'] as const;

/** Fields of other services, in lower case and without signs between words: the path of ours that does the same. */
const OURS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // Gotenberg
    paperWidth: 'options.width',
    paperHeight: 'options.height',
    ...Object.fromEntries(MARGINS.map((side) => [`margin${side}`, `options.margin.${side}`])),
    generateDocumentOutline: 'options.outline',
    generateTaggedPdf: 'options.tagged',
    nativePageRanges: 'options.pageRanges',
    waitDelay: 'waitForTimeout',
    waitForExpression: 'waitForFunction.fn',
    emulatedMediaType: 'emulateMediaType',
    emulatedMediaFeatures: 'emulateMediaFeatures',
    extraHttpHeaders: 'setExtraHTTPHeaders',
    failOnHttpStatusCodes: 'failOnStatus',
    failOnResourceHttpStatusCodes: 'failOnResourceError',
    failOnResourceLoadingFailed: 'failOnResourceError',
    failOnConsoleExceptions: 'failOnConsoleError',
    skipNetworkIdleEvent: 'gotoOptions.waitUntil',
    skipNetworkAlmostIdleEvent: 'gotoOptions.waitUntil',
    pdfa: 'finishing.conformance',
    pdfua: 'finishing.conformance',
    merge: 'parts',
    splitMode: 'split',
    splitSpan: 'split',
    rotateAngle: 'finishing.rotate',
    embeds: 'finishing.attachments',
    watermarkExpression: 'finishing.overlay',
    stampExpression: 'finishing.overlay',
    webhookUrl: 'webhook',
    downloadFrom: 'files',
    // browserless, Cloudflare, Puppeteer, Playwright
    pdfOptions: 'options',
    launch: 'options',
    screenshotOptions: 'output',
    waitForEvent: 'waitForFunction.fn',
    allowResourceTypes: 'rejectResourceTypes',
    requestInterceptors: 'files',
    extraHTTPHeaders: 'setExtraHTTPHeaders',
    httpCredentials: 'authenticate',
    javaScriptEnabled: 'setJavaScriptEnabled',
    colorScheme: 'emulateMediaFeatures',
    timezoneId: 'timezone',
    path: 'filename',
    selector: 'output.selector',
    'options.path': 'filename',
    'options.fullPage': 'singlePage',
    'options.type': 'output.type',
    'options.quality': 'output.quality',
    'options.clip': 'output.clip',
    // jsreport
    content: 'html',
    recipe: 'output.type',
    engine: 'template',
    chrome: 'options',
    // DocRaptor
    document_content: 'html',
    document_url: 'url',
    document_type: 'output.type',
    name: 'filename',
    javascript: 'setJavaScriptEnabled',
    prince_options: 'options',
    callback_url: 'webhook',
    doc: 'html',
    tag: 'metadata',
    // what else is often sent
    source: 'html',
    pageSize: 'options.format',
    paperFormat: 'options.format',
    paperSize: 'options.format',
    orientation: 'options.landscape',
    isLandscape: 'options.landscape',
    header: 'options.headerTemplate',
    footer: 'options.footerTemplate',
    headerHtml: 'options.headerTemplate',
    footerHtml: 'options.footerTemplate',
    delay: 'waitForTimeout',
    media: 'emulateMediaType',
    css: 'addStyleTag',
    background: 'options.printBackground',
    dpi: 'output.dpi',
    encryption: 'finishing.encrypt',
    protection: 'finishing.encrypt',
    watermark: 'finishing.overlay',
  }).map(([theirs, ours]) => [plain(theirs), ours]),
);

/**
 * The field of a request that does what a field of another service does.
 * @param path of the unknown field, without places in lists
 * @param known paths of all fields
 */
export function foreignName(path: readonly string[], known: readonly string[]): string | undefined {
  const own = path.filter((step) => step !== 'request' && step !== 'parts' && step !== 'template');
  if (own.length > 2) return undefined;
  const ours = OURS.get(own.map(plain).join('.'));
  if (ours === undefined) return undefined;
  return known.find((each) => each === ours) ?? known.find((each) => each === `request.${ours}`);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}
