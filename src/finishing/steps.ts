import type { StepList } from './step.ts';
import { attachmentsStep } from './steps/attachments.ts';
import { bookmarksStep } from './steps/bookmarks.ts';
import { conformanceStep } from './steps/conformance.ts';
import { describeStep } from './steps/describe.ts';
import { facturxStep } from './steps/facturx.ts';
import { flattenStep } from './steps/flatten.ts';
import { imagesStep } from './steps/images.ts';
import { measureStep } from './steps/measure.ts';
import { mergeStep } from './steps/merge.ts';
import { openStep } from './steps/open.ts';
import { outlinesStep } from './steps/outlines.ts';
import { overlayStep } from './steps/overlay.ts';
import { pagesStep } from './steps/pages.ts';
import { picturesStep } from './steps/pictures.ts';
import { propertiesStep } from './steps/properties.ts';
import { rotateStep } from './steps/rotate.ts';
import { signStep } from './steps/sign.ts';
import { splitStep } from './steps/split.ts';
import { writeStep } from './steps/write.ts';

/** Every step, in the order in which they run. A step has a file of its own and is named here. */
export const STEPS: StepList = {
  module: import.meta.url,
  steps: [
    describeStep,
    openStep,
    outlinesStep,
    mergeStep,
    pagesStep,
    rotateStep,
    measureStep,
    overlayStep,
    flattenStep,
    bookmarksStep,
    splitStep,
    picturesStep,
    imagesStep,
    propertiesStep,
    attachmentsStep,
    facturxStep,
    conformanceStep,
    writeStep,
    signStep,
  ],
};
