/**
 * Where the pages are.
 *
 * @internal
 */
export interface AppOrigin {
  readonly origin: string
  readonly host: string
  readonly isSecure: boolean
}
