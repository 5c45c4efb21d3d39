/** The origin of the application, at which the pages are mounted. */
export interface AppOrigin {
  readonly origin: string
  readonly host: string
  readonly isSecure: boolean
}
