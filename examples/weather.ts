// Your own source of weather goes here.
export { getWeatherByLocation } from "greenroom/local";
