/**
 * The origin of the application, at which the pages are mounted.
 *
 * @internal
 */
export interface AppOrigin {
  readonly origin: string
  readonly host: string
  readonly isSecure: boolean
}
