import type { Freshness } from "../api/client";

// Shapes can be distinguished without colour: a full disc, a half one, a ring, a triangle.

export function StateShape({ state }: { state: Freshness }) {
  return (
    <svg class="shape" data-state={state} viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="4.5" fill={state === "fresh" ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.6" />
      {state === "stale" && <path d="M6 1.5a4.5 4.5 0 0 1 0 9Z" fill="currentColor" />}
    </svg>
  );
}

export function WarningShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
      <path d="M6 1.2 11.2 10.6H.8Z" fill="currentColor" stroke="currentColor" stroke-linejoin="round" />
    </svg>
  );
}

export function DoneShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8">
      <path d="M2 6.5 4.8 9.2 10 3" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** Silenced: a bell that is crossed out. */
export function BellOffShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.2">
      <path d="M2 8.8h8L9 7.2V5a3 3 0 0 0-6 0v2.2ZM5 10.6h2" stroke-linecap="round" stroke-linejoin="round" />
      <path d="M1.2 1.2 10.8 10.8" stroke-linecap="round" />
    </svg>
  );
}

export function MailShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.2">
      <rect x=".8" y="2.2" width="10.4" height="7.6" rx="1.2" />
      <path d="m1.2 3 4.8 3.8L10.8 3" stroke-linejoin="round" />
    </svg>
  );
}

/** Whoever uses the page. */
export function PersonShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.4">
      <circle cx="6" cy="3.6" r="2.4" />
      <path d="M1.4 11c.3-2.6 2-3.9 4.6-3.9s4.3 1.3 4.6 3.9" stroke-linecap="round" />
    </svg>
  );
}

/** A mill wheel over the water that drives it. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-linecap="round">
      <circle cx="12" cy="9.5" r="6.5" stroke-width="2" />
      <path d="M12 3v13M6.4 6.3l11.2 6.4M17.6 6.3 6.4 12.7" stroke-width="1.5" />
      <path d="M2 20.5c1.7-1.6 3.3-1.6 5 0s3.3 1.6 5 0 3.3-1.6 5 0 3.3 1.6 5 0" stroke-width="2" />
    </svg>
  );
}

/** The direction of an order; `down` for a descending one. */
export function ArrowShape({ down }: { down: boolean }) {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6">
      <path d={down ? "M6 1.5v9M2.5 7 6 10.5 9.5 7" : "M6 10.5v-9M2.5 5 6 1.5 9.5 5"} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** Stands before what can be opened; the style sheet rotates it. */
export function FoldShape() {
  return (
    <svg class="shape fold" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8">
      <path d="M4 2 8 6l-4 4" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** Out of order: a disc with a cross in it. */
export function DownShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="5.4" fill="currentColor" />
      <path d="m4 4 4 4m0-4-4 4" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round" />
    </svg>
  );
}

/** Unknown: a ring of dashes. */
export function UnknownShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 2.3" />
    </svg>
  );
}
