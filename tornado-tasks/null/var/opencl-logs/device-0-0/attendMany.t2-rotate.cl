#pragma OPENCL EXTENSION cl_khr_fp64 : enable  
#pragma OPENCL EXTENSION cl_khr_fp16 : enable  
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable  
__kernel void rotate(__global long *_kernel_context, __constant uchar *_constant_region, __local uchar *_local_region, __global int *_atomics, __global uchar *m, __private int at, __global uchar *a, __private int heads, __private int headDim, __private int half)
{
  ulong ul_43, ul_0, ul_31, ul_2, ul_50, ul_1, ul_33, ul_7, ul_9, ul_25, ul_41; 
  int i_10, i_11, i_12, i_44, i_5, i_37, i_8, i_17, i_18, i_19, i_20, i_13, i_45, i_14, i_46, i_15, i_16, i_27, i_21, i_34, i_3, i_35, i_4, i_36; 
  float f_55, f_56, f_57, f_26, f_42, f_51, f_52, f_53, f_54, f_32; 
  bool b_6; 
  long l_22, l_38, l_23, l_39, l_48, l_49, l_30, l_47, l_28, l_29, l_24, l_40; 

  // BLOCK 0
  ul_0  =  (ulong) m;
  ul_1  =  (ulong) a;
  ul_2  =  ul_0 + 160L;
  i_3  =  *((__global int *) ul_2);
  i_4  =  get_global_id(0);
  i_5  =  i_4 / 48;
  b_6  =  i_5 < i_3;
  if(b_6)
  {
    // BLOCK 1
    ul_7  =  ul_0 + 164L;
    i_8  =  *((__global int *) ul_7);
    ul_9  =  ul_0 + 168L;
    i_10  =  *((__global int *) ul_9);
    i_11  =  i_10 * i_5;
    i_12  =  i_11 + i_8;
    i_13  =  i_4 % 48;
    i_14  =  i_13 >> 31;
    i_15  =  i_14 >> 29;
    i_16  =  i_15 + i_13;
    i_17  =  i_16 >> 3;
    i_18  =  i_17 << 4;
    i_19  =  i_12 + i_18;
    i_20  =  i_13 % 8;
    i_21  =  i_19 + i_20;
    l_22  =  (long) i_21;
    l_23  =  l_22 + 4L;
    l_24  =  l_23 << 2;
    ul_25  =  ul_1 + l_24;
    f_26  =  *((__global float *) ul_25);
    i_27  =  i_21 + 8;
    l_28  =  (long) i_27;
    l_29  =  l_28 + 4L;
    l_30  =  l_29 << 2;
    ul_31  =  ul_1 + l_30;
    f_32  =  *((__global float *) ul_31);
    ul_33  =  ul_0 + 172L;
    i_34  =  *((__global int *) ul_33);
    i_35  =  i_5 << 3;
    i_36  =  i_35 + i_34;
    i_37  =  i_36 + i_20;
    l_38  =  (long) i_37;
    l_39  =  l_38 + 4L;
    l_40  =  l_39 << 2;
    ul_41  =  ul_1 + l_40;
    f_42  =  *((__global float *) ul_41);
    ul_43  =  ul_0 + 176L;
    i_44  =  *((__global int *) ul_43);
    i_45  =  i_44 + i_35;
    i_46  =  i_45 + i_20;
    l_47  =  (long) i_46;
    l_48  =  l_47 + 4L;
    l_49  =  l_48 << 2;
    ul_50  =  ul_1 + l_49;
    f_51  =  *((__global float *) ul_50);
    f_52  =  f_26 * f_42;
    f_53  =  f_32 * f_51;
    f_54  =  f_52 - f_53;
    *((__global float *) ul_25)  =  f_54;
    f_55  =  f_32 * f_42;
    f_56  =  f_26 * f_51;
    f_57  =  f_55 + f_56;
    *((__global float *) ul_31)  =  f_57;
  }  // B0
  else
  {
    // BLOCK 2
  }  // B0
  // BLOCK 3 MERGES [2 1 ]
  return;
}  //  kernel
