/** A query with its question mark. Slashes, colons and commas are legal in a query, and easier to read unescaped. */
export function readable(query: URLSearchParams): string {
  const written = query.toString().replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%2C/g, ",");
  return written && `?${written}`;
}
