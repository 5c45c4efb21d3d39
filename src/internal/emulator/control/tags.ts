import type { State } from "../state/state.js"
import * as Table from "../state/table.js"

/** @internal */
export interface Tags {
  readonly [key: string]: string
}

/** @internal */
export const set = (stored: State["tags"], arn: string, tags: Tags | undefined): State["tags"] =>
  tags === undefined ? stored : Table.set(stored, arn, tags)

/** Removes the tags and the policy of a deleted resource. */
export const forget = ({ policies, tags }: State, arn: string): Pick<State, "policies" | "tags"> => ({
  policies: Table.remove(policies, arn),
  tags: Table.remove(tags, arn)
})
