// Reflection, refraction, solid geometry, an isosurface and procedural textures: scalar double precision.
#version 3.7;
global_settings { assumed_gamma 1.0 max_trace_level 6 }
camera { location <0, 2.5, -6> look_at <0, 0.7, 0> angle 50 }
light_source { <4, 8, -6> rgb 1 }
light_source { <-6, 5, -2> rgb <0.4, 0.4, 0.6> area_light <1, 0, 0>, <0, 1, 0>, 3, 3 }
plane { y, 0 pigment { checker rgb 0.9, rgb <0.2, 0.3, 0.5> } finish { reflection 0.15 } }
sphere { <-1.4, 0.9, 0>, 0.9 pigment { rgbf <1, 0.9, 0.8, 0.85> } interior { ior 1.5 } finish { reflection 0.1 specular 0.8 } }
difference {
    box { <0.3, 0, -0.6>, <1.9, 1.5, 0.9> }
    sphere { <1.1, 1.2, -0.4>, 0.7 }
    cylinder { <1.1, -1, 0.2>, <1.1, 3, 0.2>, 0.4 }
    pigment { marble turbulence 0.8 color_map { [0 rgb 0.2] [0.5 rgb <0.8, 0.6, 0.4>] [1 rgb 1] } }
}
isosurface {
    function { x*x + y*y + z*z - 1 + 0.25 * sin(7 * x) * cos(6 * y) * sin(5 * z) }
    contained_by { box { -1.4, 1.4 } } max_gradient 6
    scale 0.7 translate <0, 1, 2> pigment { granite } normal { bumps 0.3 scale 0.1 }
}
torus { 1, 0.2 rotate 60 * x translate <0, 2.2, 1.5> pigment { wood } finish { phong 0.6 } }
