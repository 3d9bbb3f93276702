"""Screens and preferences under which patients see the widget: options of Playwright's contexts."""

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SMALLEST = {"viewport": {"width": 320, "height": 256}}  # 1280 x 1024 at 400 % zoom (WCAG 1.4.10)

LOOKS = {
    "desktop": DESKTOP,
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "forced_colours": {**DESKTOP, "forced_colors": "active"},
    "phone": PHONE,
    "smallest": SMALLEST,
}
