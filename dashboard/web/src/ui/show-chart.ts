import { selection } from "../address/state";
import { sectionWanted } from "../address/view";

/** Brings the chart into view, on phones by showing its section. */
export function showChart(): void {
  const chart = document.getElementById("chart");
  if (!chart) {
    // An address with a sensor and no section shows the chart already.
    if (sectionWanted.peek() !== null || selection.peek().series === null) location.hash = "chart";
    return;
  }
  const { top } = chart.getBoundingClientRect();
  if (top < 0 || top + 200 >= innerHeight) chart.scrollIntoView({ block: "start" });
}
