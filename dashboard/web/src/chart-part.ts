// The chart and all that it alone needs: the largest part of the page, loaded after what is seen first.

import { startChartAlerts } from "./chart-alerts";
import { startChart } from "./chart-data";

export { Chart } from "./Chart";

startChart();
startChartAlerts();
