#pragma once
#include <lcms2.h>

// Little CMS defines sample layouts as macros that Swift cannot import.
static const cmsUInt32Number clcms2_gray_8 = TYPE_GRAY_8;
static const cmsUInt32Number clcms2_gray_16 = TYPE_GRAY_16;
static const cmsUInt32Number clcms2_rgb_8 = TYPE_RGB_8;
static const cmsUInt32Number clcms2_rgb_16 = TYPE_RGB_16;
static const cmsUInt32Number clcms2_inverted_cmyk_8 = TYPE_CMYK_8_REV;
/// Added to a layout whose samples are followed by alpha.
static const cmsUInt32Number clcms2_alpha = EXTRA_SH(1);
