// Types of what the scripts share: BokehJS as far as they use it, and the parts of `headbrush`.

/** A model of BokehJS; its properties are those of the Python class. */
type BokehModel = any
type BokehDocument = {
  readonly is_idle: boolean
  readonly all_models: Set<BokehModel>
  get_model_by_id(id: string): BokehModel | null
  get_model_by_name(name: string): BokehModel | null
  on_event(name: string, act: () => void): void
}
declare var Bokeh: {
  readonly documents: BokehDocument[]
  readonly index: {
    find_one(model: BokehModel): any
    query(accepts: (view: any) => boolean): Iterable<any>
  }
  require(module: string): any
}

/** Values as the upper halves of their float32, or as steps of a range. */
type Codes = Uint16Array
type Interval = { start: number; end: number }
type Combine = "replace" | "add" | "subtract" | "intersect"

/** The tokens of a matrix: `prefix` ones, then a grid of patches. */
type Geometry = {
  readonly prefix: number
  readonly rows: number
  readonly columns: number
  readonly has_class: boolean
  readonly wide: number
}
/** Python's model of the same name (server/views/tokens/selected_matrix.py). */
type Tokens = Geometry & {
  token: number | null
  hovered: number | null
  readonly threshold: number
  setv(values: object, options: object): void
}

/** Coordinates by the number of a pattern. */
type Points = { x(at: number): number; y(at: number): number; count: number }
type Among = (pattern: number) => boolean
/** What a box or lasso of Bokeh's tells. */
type Shape = { type: string; x0: number; x1: number; y0: number; y1: number; x: any; y: any }
type Look = {
  ramp: string[]
  flat: boolean
  palette: string[]
  solid: boolean
  grey: number
  kinds: Uint8Array | null
}

/** Values of a store as steps of a range. */
type Table = { codes: Codes; width: number; low: number; step: number; title: string }

/** The parts of a report by name, of the views that `shown` lists. */
type ReportArgs = { readonly shown: string[]; readonly [name: string]: any }
/** What is brushed in a report. */
type Brushed = {
  /** whether patterns are brushed */
  isOf: boolean
  /** whether anything is brushed */
  isAny: boolean
  /** number of patterns */
  sum: number
  images: number[]
  heads: number[]
  /** where the brush of heads does not count: what views of heads show */
  imagesOfAllHeads: number[]
  headCounts: Uint32Array
  /** null where no patterns are brushed */
  imageCounts: Uint32Array | null
}

/** Rows and columns of the gallery that a drag touches: the first and the last. */
type GalleryBox = { rows: number[]; columns: number[] }
/** What the gallery shows (server/views/images/gallery.py). */
type GalleryHead = {
  version: number
  count: number
  total: number
  isBrushed: boolean
  of: string
  direction: string
  words: string
  image: number | null
  place: number
  goesUp: boolean
}
type GalleryTile = {
  number: number
  name: string
  truth: string
  guess: string
  value: string
  isBrushed: boolean
  /** 0 predicted correctly, 1 wrongly, 2 not known */
  kind: number
  picture: string
}
type GallerySupply = {
  /** Do something with what the version that is shown has at some places. */
  act(name: string, ...words: unknown[]): void
  /** Show it otherwise. */
  choose(name: string, value: string): void
  end(): void
  head(): GalleryHead
  /** The image at a place, null if it is not here yet. */
  tile(place: number): GalleryTile | null
  /** Ask for what is not here yet. */
  want(first: number, last: number): void
}
type GalleryGrid = {
  cell(point: { clientX: number; clientY: number }): number[]
  columns(): number
  draw(count: number): number[]
  reveal(place: number): void
  rows(): number
}
type GalleryHands = {
  brush(combine: Combine, box: GalleryBox): void
  choose(what: string): void
  click(place: number, combine: Combine): void
  drawBox(box: GalleryBox | null): void
  isBrushing(): boolean
  step(by: number): void
}

/** Python's models of the same names (server/views/common/nearest_tip.py). */
type NearestTipModels = { asked: BokehModel; told: BokehModel; mark: BokehModel }

/** Keys within some plots (server/static/page/keyboard/plots.js). */
type PlotKeys = {
  about: string
  isBrush: boolean
  /** Leave what the keys have begun; whether there was any. */
  drop(): boolean
  /** The plot shows another part. */
  moved?(view: any): void
  /** Whether the key does something. */
  press(event: KeyboardEvent, view: any): boolean
}

/** All scripts share this one global; each file makes a part of it. */
type Headbrush = {
  address: { show(): void }
  colours: Record<string, string>
  captions: {
    sayCounts(args: ReportArgs, brushed: Brushed, image: number | null): void
    sayHeads(
      args: ReportArgs,
      brushed: Brushed,
      image: number | null,
      values: Record<string, number[]>,
    ): void
  }
  combine: {
    fromClick(event: MouseEvent): Combine
    fromKeys(shift: boolean, control: boolean): Combine
    joinIds(old: number[], added: number[], combine: Combine): number[]
  }
  deep: {
    closest(element: Element, selector: string): HTMLElement | null
    focused(): HTMLElement | null
    isSeen(element: Element): boolean
    outwards(element: Element): Iterable<HTMLElement>
    within(root: ParentNode): HTMLElement[]
  }
  density: {
    channels(colour: string): number[]
    draw(
      points: Points,
      view: number[],
      width: number,
      height: number,
      look: Look,
      among?: Among | null,
    ): Uint32Array
    enclosed(points: Points, shape: Shape): Uint8Array
    packed(colour: number[], alpha?: number): number
  }
  files: {
    download(name: string, content: Blob): void
    gunzip(packed: BlobPart, type?: string): Promise<Blob>
  }
  galleryGestures: { listen(scroller: HTMLElement, grid: GalleryGrid, hands: GalleryHands): void }
  galleryGrid: {
    make(
      scroller: HTMLElement,
      sheet: HTMLElement,
      fill: (tile: HTMLElement, place: number) => void,
    ): GalleryGrid
  }
  gallerySupply: {
    fromReport(images: BokehModel, changed: () => void): GallerySupply
    fromServer(told: BokehModel, asked: BokehModel, changed: () => void): GallerySupply
  }
  keys: { isListed(): boolean }
  matrix: {
    VALUES: Float32Array
    between(value: number, threshold: number, strongest: number): number
    cell(codes: Codes, tokens: Geometry, x: number, y: number): string | null
    centre(tokens: Geometry, token: number): number
    chosen(tokens: Tokens): number | null
    countFrom(codes: Codes, threshold: number): number
    describe(tokens: Geometry, token: number): string
    extent(tokens: Geometry): number
    hover(tokens: Tokens, token: number | null): void
    length(tokens: Geometry, token: number): number
    lines(
      codes: Codes,
      tokens: Geometry,
      threshold: number,
      token: number | null,
      most: number,
    ): { total: number; source: number[]; target: number[]; value: number[] }
    masks(
      codes: Codes,
      tokens: Geometry,
      token: number | null,
    ): { from: Float32Array; to: Float32Array }
    name(tokens: Geometry, token: number): string
    patchAt(tokens: Geometry, x: number, y: number): number | null
    picture(
      codes: Codes,
      tokens: Geometry,
      xRange: Interval,
      yRange: Interval,
      pixels: number[],
      look: { threshold: number; top: number; prefix: string; patch: string },
    ): object
    pin(tokens: Tokens, token: number | null): void
    place(tokens: Geometry, token: number): number[] | null
    shaped(array: Float32Array | Uint32Array, rows: number, columns: number): object
    start(tokens: Geometry, token: number): number
    tokenAt(tokens: Geometry, position: number): number | null
    tokenNear(tokens: Geometry, x: number, y: number, reach: number): number | null
  }
  names: { put(all?: HTMLElement[]): void }
  notes: {
    say(note: BokehModel, text: string): void
    tell(words: string | null, pictures?: [string, string][]): void
  }
  numbers: { grouped(whole: number): string; rounded(value: number): number }
  painting: { layOut(): void; mergeLayers(isMerged: boolean): void; paintNow(): void }
  nearestTip: {
    leave(models: NearestTipModels): void
    move(models: NearestTipModels, place: { x: number; y: number }): void
    show(models: NearestTipModels): void
  }
  pair: {
    brush(source: BokehModel, other: BokehModel, same: number[]): void
    choose(metric: BokehModel, other: BokehModel): void
    selectHead(source: BokehModel, other: BokehModel, same: number[]): void
    selectImage(source: BokehModel, other: BokehModel, same: number[]): void
  }
  patterns: {
    brushName(places: BokehModel, number: number, combine: Combine): void
    clear(places: BokehModel): void
    draw(args: ReportArgs, brushed: Brushed | null, image: number | null, head: number): void
    gesture(args: ReportArgs, event: any): void
    hasPlaces(args: ReportArgs): boolean
    isActive(args: ReportArgs): boolean
    repaint(): void
    tally(
      args: ReportArgs,
      images: number[],
      heads: number[],
      perImage: number,
    ): { byImage: Uint32Array; byHead: Uint32Array; sum: number }
    tap(args: ReportArgs, event: any): void
  }
  places: {
    frame(view: any): { left: number; top: number; width: number; height: number }
    pixel(view: any, x: number, y: number): number[]
    plotOf(canvas: Element): any
    plots(): { view: any; canvas: HTMLElement }[]
    showAll(view: any): void
    tap(view: any, x: number, y: number): void
  }
  plotKeys: {
    add(plots: string[], keys: PlotKeys): void
    cursor(look: string, place: () => Record<string, number> | null): () => void
    has(name: string | null): boolean
    more(name: string | null): string
    say(words: string): void
  }
  ready: {
    /** Ask the server in a channel, once the page is shown. */
    ask(channel: string, ...words: unknown[]): void
    /** The page's element of an id; whatever kind the template says. */
    element(id: string): any
    isShown(): boolean
    /** Whether the page has a model of this name. */
    has(name: string): boolean
    model(name: string): BokehModel
    whenDrawn(act: (bokeh: BokehDocument) => void): void
    whenShown(act: (bokeh: BokehDocument) => void): void
  }
  report: {
    chooseForm(args: ReportArgs, form: BokehModel): void
    chooseHead(args: ReportArgs, line: BokehModel): void
    nearest(
      plot: BokehModel,
      xs: ArrayLike<number>,
      ys: ArrayLike<number>,
      event: { x: number; y: number },
      reach?: number,
    ): number | null
    parts(named: object): ReportArgs
    redraw(args: ReportArgs): void
    shownMetric(args: ReportArgs): BokehModel
    tapHead(args: ReportArgs, event: any): void
    tapImage(args: ReportArgs, event: any): void
    update(args: ReportArgs): void
  }
  stops: { isByPointer(): boolean; refresh(): void }
  summaries: { follow(side?: string): void }
  tables: {
    extremes(list: number[]): (number | null)[]
    largest(...lists: Iterable<number>[]): number
    meanAndDeviation(table: Table, rows: number[]): { mean: Float64Array; deviation: Float64Array }
    rowOf(table: Table, row: number): Float64Array
    tableOf(source: BokehModel, width: number): Table
  }
  theme: { now(): string; print(begins: boolean): void; show(): void; toggle(): void }
}
declare var headbrush: Headbrush
