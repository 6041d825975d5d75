/** What an upload may be. More is refused; what is needed to find that out is bounded by the process that does it. */
export const LIMITS = {
  bytes: 104_857_600,
  objects: 500_000,
  pages: 10_000,
  /** levels of the tree of pages, of bookmarks, of the structure and of names */
  depth: 250,
  /** units of a side of a page: 200 inches, by PDF's own limit */
  sideUnits: 14_400,
  /** points of a side of a page, whatever a unit is */
  sidePoints: 100_000,
  imagePixels: 250_000_000,
  /** bytes of a stream when it is unpacked; of an image those of all of its pixels */
  streamBytes: 268_435_456,
  /** bytes of all streams together when they are unpacked */
  unpackedBytes: 1_073_741_824,
  /** filters that a stream is packed with */
  filters: 4,
} as const;
