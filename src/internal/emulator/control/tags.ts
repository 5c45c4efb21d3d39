import * as HashMap from "effect/HashMap"
import type { State } from "../state/state.js"

/** @internal */
export interface Tags {
  readonly [key: string]: string
}

/** @internal */
export const set = (stored: State["tags"], arn: string, tags: Tags | undefined): State["tags"] =>
  tags === undefined ? stored : HashMap.set(stored, arn, tags)

/** Removes the tags and the policy of a deleted resource. */
export const forget = ({ policies, tags }: State, arn: string): Pick<State, "policies" | "tags"> => ({
  policies: HashMap.remove(policies, arn),
  tags: HashMap.remove(tags, arn)
})
