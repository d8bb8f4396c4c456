"""Where people live: cities, counties, and the micro-regions of a county."""

from services.sandbox.world.draws import Ints

PROVINCE = "安徽"
CITIES = ("合肥", "芜湖")
COUNTIES = (
    ("蜀山区", "庐阳区", "包河区", "瑶海区", "肥西县", "肥东县"),
    ("镜湖区", "弋江区", "鸠江区", "繁昌区", "湾沚区", "无为市"),
)
_GRIDS, _AREAS, _SCHOOLS = 12, 3, 1
REGIONS_PER_COUNTY = _GRIDS + _AREAS + _SCHOOLS
SCHOOL_REGION = REGIONS_PER_COUNTY - 1

COUNTERPARTS = ("江苏", "浙江", "上海", "广东", "河南", "湖北", "山东", "北京", "福建", "四川")
COUNTERPART_WEIGHTS = (0.26, 0.19, 0.15, 0.10, 0.08, 0.07, 0.05, 0.05, 0.03, 0.02)
"""Other provinces, and how the people who have family or business outside are spread over them."""


def county_index(city: Ints, county: Ints) -> Ints:
    """Count the counties of all cities through."""
    return city * len(COUNTIES[0]) + county


def county_names() -> list[str]:
    """Name the counties in the order of `county_index`."""
    return [county for counties in COUNTIES for county in counties]


def region_names() -> list[str]:
    """Name all micro-regions: of each county its grids, then its areas, then its school."""
    return [f"{county}{region}" for county in county_names() for region in _regions()]


def _regions() -> list[str]:
    grids = [f"{number:02d}网格" for number in range(1, _GRIDS + 1)]
    return [*grids, "商业区", "工业园区", "开发区", "大学城"]
