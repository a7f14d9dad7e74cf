import { defineConfig } from "vite";

// Where `npm run dev` finds a running Millrace.
const millrace = process.env.MILLRACE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Relative addresses let the page live below any path of a reverse proxy.
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    // Two kilobytes less to load, compressed, than what esbuild makes of it.
    minify: "terser",
    terserOptions: { compress: { passes: 2 } },
    // Nothing is inlined: the page's policy allows no inline script.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": millrace,
      "/ws": { target: millrace, ws: true },
    },
  },
});
