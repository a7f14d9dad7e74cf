import type { LoginMethods } from "../api/access";

/** Where a browser begins a login at an identity provider. It returns to what this address shows. */
export function beginningAt({ url }: NonNullable<LoginMethods["oidc"]>, { search, hash }: { search: string; hash: string }): string {
  return `${url}?${new URLSearchParams({ return_to: `/${search}${hash}` })}`;
}
