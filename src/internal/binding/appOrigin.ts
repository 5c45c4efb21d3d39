/**
 * Where the pages are.
 *
 * @internal
 */
export interface Place {
  readonly origin: string
  readonly host: string
  readonly isSecure: boolean
}
