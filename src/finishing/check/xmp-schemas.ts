/** The type of a property: what it holds, or a list of such things. `Fields`: a structure; `Lang Alt`: texts by language. */
export type XmpType = string;

// The schemas of XMP 2005, which PDF/A-2 and 3 know. Each line is of one type.

const schema = (lines: Record<XmpType, string>): Map<string, XmpType> =>
  new Map(Object.entries(lines).flatMap(([type, names]) => names.split(' ').map((name): [string, XmpType] => [name, type]))); // prettier-ignore

/** By the address of the schema: the type of each property. */
export const XMP_SCHEMAS: ReadonlyMap<string, ReadonlyMap<string, XmpType>> = new Map([
  ['http://purl.org/dc/elements/1.1/', schema({
    'bag Text': 'contributor language publisher relation subject type',
    'seq Text': 'creator',
    'seq Date': 'date',
    'Lang Alt': 'description rights title',
    Text: 'coverage format identifier source',
  })],
  ['http://ns.adobe.com/xap/1.0/', schema({
    'bag Text': 'Advisory Identifier',
    Text: 'BaseURL CreatorTool Label Nickname',
    Date: 'CreateDate MetadataDate ModifyDate',
    'alt Fields': 'Thumbnails',
    Real: 'Rating',
  })],
  ['http://ns.adobe.com/xap/1.0/rights/', schema({
    Text: 'Certificate WebStatement',
    Boolean: 'Marked',
    'bag Text': 'Owner',
    'Lang Alt': 'UsageTerms',
  })],
  ['http://ns.adobe.com/xap/1.0/mm/', schema({
    Fields: 'DerivedFrom ManagedFrom RenditionOf',
    Text: 'DocumentID InstanceID OriginalDocumentID LastURL Manager ManageTo ManageUI ManagerVariant RenditionParams RenditionClass VersionID',
    'seq Fields': 'History Versions',
    'bag Fields': 'Ingredients Pantry',
    Integer: 'SaveID',
  })],
  ['http://ns.adobe.com/xap/1.0/bj/', schema({ 'bag Fields': 'JobRef' })],
  ['http://ns.adobe.com/xap/1.0/t/pg/', schema({
    Fields: 'MaxPageSize',
    Integer: 'NPages',
    Boolean: 'HasVisibleOverprint HasVisibleTransparency',
    'seq Text': 'PlateNames',
    'seq Fields': 'Colorants',
    'bag Fields': 'Fonts',
  })],
  ['http://ns.adobe.com/xmp/1.0/DynamicMedia/', schema({
    Fields: 'projectRef videoFrameSize videoAlphaPremultipleColor duration startTimecode altTimecode introTime outCue relativeTimestamp beatSpliceParams markers timeScaleParams resampleParams contributedMedia',
    Text: 'videoFrameRate videoPixelDepth videoColorSpace videoAlphaMode videoFieldOrder pullDown audioSampleType audioChannelType audioCompressor speakerPlacement fileDataRate tapeName altTapeName shotName scene shotLocation timeScale artist album genre composer engineer instrument scaleType timeSignature stretchMode key logComment copyright videoCompressor absPeakAudioFilePath',
    Boolean: 'videoAlphaUnityIsTransparent loop',
    Rational: 'videoPixelAspectRatio',
    Integer: 'audioSampleRate trackNumber numberOfBeats',
    Real: 'tempo',
    Date: 'videoModDate audioModDate metadataModDate shotDate releaseDate',
  })],
  ['http://ns.adobe.com/pdf/1.3/', schema({ Text: 'Keywords PDFVersion Producer', Boolean: 'Trapped' })],
  ['http://ns.adobe.com/photoshop/1.0/', schema({
    Text: 'AuthorsPosition CaptionWriter Category City Country Credit Headline Instructions Source State TransmissionReference ICCProfile',
    Date: 'DateCreated',
    'bag Text': 'SupplementalCategories',
    Integer: 'Urgency ColorMode',
    'seq Fields': 'TextLayers',
    'bag Any': 'DocumentAncestors',
  })],
  ['http://ns.adobe.com/camera-raw-settings/1.0/', schema({
    Boolean: 'AutoBrightness AutoContrast AutoExposure AutoShadows HasCrop HasSettings',
    Integer: 'BlueHue BlueSaturation Brightness ChromaticAberrationB ChromaticAberrationR ColorNoiseReduction Contrast CropUnits GreenHue GreenSaturation LuminanceSmoothing RedHue RedSaturation Saturation Shadows ShadowTint Sharpness Temperature Tint VignetteAmount VignetteMidpoint',
    Text: 'CameraProfile RawFileName ToneCurveName Version WhiteBalance',
    Real: 'CropTop CropLeft CropBottom CropRight CropAngle CropWidth CropHeight Exposure',
    'seq Text': 'ToneCurve',
  })],
  ['http://ns.adobe.com/tiff/1.0/', schema({
    Integer: 'ImageWidth ImageLength Compression PhotometricInterpretation Orientation SamplesPerPixel PlanarConfiguration YCbCrPositioning ResolutionUnit',
    'seq Integer': 'BitsPerSample YCbCrSubSampling TransferFunction',
    Rational: 'XResolution YResolution',
    'seq Rational': 'WhitePoint PrimaryChromaticities YCbCrCoefficients ReferenceBlackWhite',
    Date: 'DateTime',
    'Lang Alt': 'ImageDescription Copyright',
    Text: 'Make Model Software Artist NativeDigest',
  })],
  ['http://ns.adobe.com/exif/1.0/', schema({
    Text: 'ExifVersion FlashpixVersion RelatedSoundFile SpectralSensitivity GPSVersionID GPSLatitude GPSLongitude GPSSatellites GPSStatus GPSMeasureMode GPSSpeedRef GPSTrackRef GPSImgDirectionRef GPSMapDatum GPSDestLatitude GPSDestLongitude GPSDestBearingRef GPSDestDistanceRef GPSProcessingMethod GPSAreaInformation ImageUniqueID NativeDigest',
    Integer: 'ColorSpace PixelXDimension PixelYDimension ExposureProgram MeteringMode LightSource FocalPlaneResolutionUnit SensingMethod FileSource SceneType CustomRendered ExposureMode WhiteBalance FocalLengthIn35mmFilm SceneCaptureType GainControl Contrast Saturation Sharpness SubjectDistanceRange GPSAltitudeRef GPSDifferential',
    'seq Integer': 'ComponentsConfiguration ISOSpeedRatings SubjectArea SubjectLocation',
    Rational: 'CompressedBitsPerPixel ExposureTime FNumber ShutterSpeedValue ApertureValue BrightnessValue ExposureBiasValue MaxApertureValue SubjectDistance FocalLength FlashEnergy FocalPlaneXResolution FocalPlaneYResolution ExposureIndex DigitalZoomRatio GPSAltitude GPSDOP GPSSpeed GPSTrack GPSImgDirection GPSDestBearing GPSDestDistance',
    'Lang Alt': 'UserComment',
    Date: 'DateTimeOriginal DateTimeDigitized GPSTimeStamp',
    Fields: 'OECF Flash SpatialFrequencyResponse CFAPattern DeviceSettingDescription',
  })],
  ['http://ns.adobe.com/exif/1.0/aux/', schema({ Text: 'Lens SerialNumber' })],
  ['http://www.aiim.org/pdfa/ns/id/', schema({ Integer: 'part', Text: 'amd corr conformance', 'Any': 'rev' })],
  ['http://www.aiim.org/pdfa/ns/extension/', schema({ 'bag Fields': 'schemas' })],
]); // prettier-ignore

const names = (text: string) => {
  const known = new Set(text.split(' '));
  return (name: string) => known.has(name);
};

/** By the address of a schema: what of it is of 2005, and not yet of 2004, which PDF/A-1 knows. */
export const NEWER_PROPERTIES: ReadonlyMap<string, (name: string) => boolean> = new Map([
  ['http://ns.adobe.com/xap/1.0/', names('Label Rating')],
  ['http://ns.adobe.com/xap/1.0/t/pg/', names('HasVisibleOverprint HasVisibleTransparency PlateNames Colorants Fonts')],
  ['http://ns.adobe.com/xmp/1.0/DynamicMedia/', () => true],
  ['http://ns.adobe.com/pdf/1.3/', names('Trapped')],
  ['http://ns.adobe.com/camera-raw-settings/1.0/', () => true],
  ['http://ns.adobe.com/exif/1.0/aux/', () => true],
  ['http://www.aiim.org/pdfa/ns/id/', names('corr rev')],
]);
