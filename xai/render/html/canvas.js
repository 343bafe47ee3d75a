// Map of images: readers move and enlarge it, which makes room for more of them, and look at all
// images of a cluster. Without this script the picture shows.
function(box){
  var d=JSON.parse(box.dataset.w),T=d.t,cell=T+10,zoom=1,cx=.5,cy=.5,picked=-1,drag=null;
  function make(tag,cls,into,text){var e=document.createElement(tag);if(cls)e.className=cls;if(text)e.textContent=text;into.append(e);return e}
  box.style.setProperty('--wb-s','url('+box.dataset.s+')');
  box.querySelector('img').hidden=true;
  var bar=make('div','whybook-bar',box),stage=make('div','whybook-stage',box),keys=make('div','whybook-bar',box),sheet=make('div','whybook-sheet',box);
  function tile(k,into){
    var p=d.p[k],g=d.g[p[2]],e=make('i','',into);
    e.style.cssText='width:'+T+'px;height:'+T+'px;background-position:-'+k%d.w*T+'px -'+Math.floor(k/d.w)*T+'px;border:3px '+g.s+' '+g.c;
    e.title=(d.k[k]?d.k[k]+' \u00b7 ':'')+g.n;e.setAttribute('role','img');e.setAttribute('aria-label',e.title);return e}
  var tiles=d.p.map(function(p,k){var e=tile(k,stage);e.onclick=function(){if(!drag||!drag.moved)pick(p[2])};return e});
  function draw(){
    var w=stage.clientWidth-cell,h=stage.clientHeight-cell,taken={},shown=0;
    cx=Math.min(1,Math.max(0,cx));cy=Math.min(1,Math.max(0,cy));
    d.p.forEach(function(p,k){
      var a=Math.floor(p[0]/1000*zoom*w/cell),b=Math.floor(p[1]/1000*zoom*h/cell),key=a+' '+b,s=tiles[k].style,
      x=a*cell-cx*zoom*w+w/2,y=cy*zoom*h-b*cell+h/2,
      off=x<-cell||y<-cell||x>w+cell||y>h+cell||taken[key];
      s.display=off?'none':'';
      if(off)return;
      taken[key]=1;shown++;
      s.left=x+'px';s.top=y+'px';s.opacity=picked<0||picked===p[2]?1:.2});
    say.textContent=shown+' of '+d.p.length+' images in view';return shown}
  // What is nearest to the middle, for who comes closer to where there is nothing.
  function nearest(){
    var b=null,l=9;d.p.forEach(function(p){var q=p[0]/1000-cx,r=p[1]/1000-cy,m=q*q+r*r;if(m<l){l=m;b=p}});
    if(b){cx=b[0]/1000;cy=b[1]/1000}}
  function move(z,dx,dy){var c=zoom;zoom=Math.min(40,Math.max(1,zoom*z));if(zoom===1&&c!==1)cx=cy=.5;cx+=dx/zoom;cy+=dy/zoom;if(!draw()&&z>1){nearest();draw()}}
  function pick(g){
    picked=picked===g?-1:g;sheet.textContent='';
    keys.childNodes.forEach(function(b,k){b.setAttribute('aria-pressed',k===picked)});
    if(picked>=0){
      var n=0,more=0;make('p','',sheet,d.g[g].n+(d.g[g].a?': '+d.g[g].a:''));
      d.p.forEach(function(p,k){if(p[2]===g){if(n<400){tile(k,sheet);n++}else more++}});
      if(more)make('p','',sheet,more+' more')}
    draw()}
  [['+','Closer',1.5],['\u2212','Farther',1/1.5],['1:1','All',1e-9]].forEach(function(b){
    var e=make('button','',bar,b[0]);e.type='button';e.setAttribute('aria-label',b[1]);e.onclick=function(){move(b[2],0,0)}});
  var say=make('output','',bar);
  d.g.forEach(function(g,k){var b=make('button','',keys),i=make('i','whybook-key',b);b.type='button';i.style.borderTop='4px '+g.s+' '+g.c;
    b.append(' '+g.n);b.setAttribute('aria-pressed',false);b.onclick=function(){pick(k)}});
  stage.tabIndex=0;stage.setAttribute('role','group');
  stage.setAttribute('aria-label','Map of images. Arrow keys move it, plus and minus change its size.');
  stage.onkeydown=function(e){
    var m={ArrowLeft:[1,-.1,0],ArrowRight:[1,.1,0],ArrowUp:[1,0,.1],ArrowDown:[1,0,-.1],'+':[1.5,0,0],'=':[1.5,0,0],'-':[1/1.5,0,0],'0':[1e-9,0,0]}[e.key];
    if(m){e.preventDefault();e.stopPropagation();move(m[0],m[1],m[2])}};
  stage.onpointerdown=function(e){drag={x:e.clientX,y:e.clientY,moved:false}};
  stage.onpointermove=function(e){
    if(!drag||!e.buttons)return;
    var dx=e.clientX-drag.x,dy=e.clientY-drag.y;
    if(!drag.moved&&Math.abs(dx)+Math.abs(dy)<4)return;
    drag={x:e.clientX,y:e.clientY,moved:true};move(1,-dx/stage.clientWidth,dy/stage.clientHeight)};
  stage.addEventListener('wheel',function(e){if(document.activeElement===stage){e.preventDefault();move(e.deltaY<0?1.2:1/1.2,0,0)}},{passive:false});
  if(window.ResizeObserver)new ResizeObserver(draw).observe(stage);draw()}
