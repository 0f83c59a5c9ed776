/** A JSON record of whtool; docs/formats.md describes them. */
export type WhtoolRecord = { schema: string; [field: string]: any };

export interface SendOptions {
  /** Fields to change, by path: `{'data.amount': 5000}`. */
  set?: Record<string, unknown>;
  /** Further arguments of `whtool replay`. */
  args?: string[];
}

export interface Whtool {
  /** URL of the listener. */
  readonly url: string;
  /** Everything received so far. */
  readonly records: WhtoolRecord[];
  /** Sends a sample such as `payment.debited`, or a payload file; returns the records of `whtool replay`. */
  send(source: string, options?: SendOptions): Promise<WhtoolRecord[]>;
  /** Waits for a delivery of this type, or one for which the function returns true. */
  waitFor(wanted: string | ((delivery: WhtoolRecord) => boolean), options?: { timeout?: number }): Promise<WhtoolRecord>;
  /** Waits until the app of `forwardTo` has answered this delivery. */
  waitForAnswer(delivery: WhtoolRecord, options?: { timeout?: number }): Promise<WhtoolRecord>;
  /** Ends the listener and removes its store. */
  stop(): Promise<void>;
}

export interface Options {
  /** URL of the app that gets verified events. */
  forwardTo?: string | URL;
  /** Further arguments of `whtool listen`. */
  args?: string[];
  /** Variables in addition to those of this process, such as PLEXOS_WEBHOOK_SECRET. */
  env?: Record<string, string>;
  /** Time to wait for anything, in milliseconds (default: 10000). */
  timeout?: number;
}

export function startWhtool(options?: Options): Promise<Whtool>;
